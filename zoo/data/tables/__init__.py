"""Tables: files, what is written in their columns, and what each column is."""
