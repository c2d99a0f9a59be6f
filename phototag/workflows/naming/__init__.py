"""Jobs that say who somebody is: name, label, add a face, interview, undo, import, export."""
