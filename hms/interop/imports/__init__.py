"""Lists from files (CSV, XLSX) become records: columns, check, import in portions, undo."""
