"""Parts of the page that a report has where they were asked for, each with a template `part_<name>.html.j2`."""
