package birdtest

import "strings"

// route is one operation: the method, and the path below the workspace with a
// star for every segment that is an id or a value.
type route struct {
	pattern string
	handle  func(request) reply
}

// tables are the routes, one table for each part of the API.
var tables = []func(*Server) []route{
	(*Server).contactRoutes,
	(*Server).definitionRoutes,
	(*Server).conversationRoutes,
	(*Server).messageRoutes,
	(*Server).participantRoutes,
	(*Server).channelRoutes,
	(*Server).agentRoutes,
	(*Server).feedRoutes,
	(*Server).mediaRoutes,
	(*Server).subscriptionRoutes,
}

// lay joins the tables.
func (s *Server) lay() {
	for _, table := range tables {
		s.routes = append(s.routes, table(s)...)
	}
}

// route finds the operation of a call: the first one in the tables that fits.
// An unknown path is answered like a wrong key.
func (s *Server) route(r request) reply {
	for _, rt := range s.routes {
		if args, fits := r.fit(rt.pattern); fits {
			r.args = args
			return rt.handle(r)
		}
	}
	return unauthorized.reply()
}

// fit compares a call with a pattern and returns what its stars stand for.
func (r *request) fit(pattern string) (args []string, fits bool) {
	method, path, _ := strings.Cut(pattern, " ")
	parts := strings.Split(path, "/")
	if method != r.method || len(parts) != len(r.segments) {
		return nil, false
	}
	for i, part := range parts {
		switch part {
		case "*":
			args = append(args, r.segments[i])
		case r.segments[i]:
		default:
			return nil, false
		}
	}
	return args, true
}
