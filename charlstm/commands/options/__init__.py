"""What can be typed after a command's name.

shared      options that several commands have
command     a command as typer runs it: its problems name options as they are typed
completion  what a shell offers when a name is begun
"""
