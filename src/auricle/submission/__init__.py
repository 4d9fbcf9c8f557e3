"""A finished study, made into what a course asks for: one file of code and one of paper."""
