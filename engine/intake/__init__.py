"""From the queue directory to campaigns and contacts: what people and programs hand in, taken apart, checked
and made typed."""
