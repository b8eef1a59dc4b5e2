"""Details of a person: names in two scripts, phone numbers, places."""
