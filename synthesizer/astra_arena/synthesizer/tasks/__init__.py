"""Multi-hop tasks over tables: drawn, checked, answered by SQL, put into words."""
