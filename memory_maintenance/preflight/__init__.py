"""What makes a store unusable or suspicious, found before a run plans anything."""
