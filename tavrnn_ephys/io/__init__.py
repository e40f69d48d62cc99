"""Neo objects of this package, and how adapters are found and asked."""
