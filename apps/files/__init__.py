"""Lists as files, CSV and XLSX: columns from the schemas of the JSON answers, written by a process of their own."""
