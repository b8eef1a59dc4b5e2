"""Write output formats: SVG, PDF, iCalendar."""
