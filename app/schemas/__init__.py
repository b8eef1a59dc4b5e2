"""What goes over the wire: inputs forbid extras, outputs have no defaults."""
