package dashboard

// A Route is an address with the action that it needs.
type Route struct {
	Method, Path string
	Action       Action
}

// Routes lists all addresses.
func Routes() []Route {
	var out []Route
	for _, rt := range routes {
		out = append(out, Route{rt.method, rt.path, rt.action})
	}
	return out
}
