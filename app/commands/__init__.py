"""The commands of the command line, one module per group. They call the functions of the layers below."""
