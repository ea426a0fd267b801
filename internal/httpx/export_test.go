package httpx

// Outward judges where a connection would lead.
var Outward = outward
