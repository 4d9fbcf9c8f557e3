"""What can be asked on the command line: a function a command, its arguments those typed."""
