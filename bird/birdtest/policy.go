package birdtest

import (
	"net/http"
	"slices"
	"strings"
)

// A Policy is what a role lets its access keys do, or forbids them.
// See https://docs.bird.com/api/api-access/access-policies.
type Policy struct {
	// Deny forbids instead of allowing, and wins over every other policy.
	Deny bool
	// Actions are any of "Any", "Create" (POST), "View" (GET, HEAD, OPTIONS),
	// "Update" (PUT, PATCH) and "Delete".
	Actions []string
	// Resources are paths from the root, such as
	// "/workspaces/*/contacts/**": * is one segment, ** at the end one or more.
	Resources []string
}

// SetPolicies gives the access key a role with these policies. What none of
// them allows is answered 403 FORBIDDEN_INTERNAL. With none at all everything
// is allowed again.
func (s *Server) SetPolicies(policies ...Policy) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policies = policies
}

// allows reports whether the policies let a call pass.
func (s *Server) allows(method, path string) bool {
	allowed := len(s.policies) == 0
	for _, p := range s.policies {
		if p.covers(method, path) {
			if p.Deny {
				return false
			}
			allowed = true
		}
	}
	return allowed
}

func (p *Policy) covers(method, path string) bool {
	acts := slices.Contains(p.Actions, "Any") || slices.Contains(p.Actions, actionOf(method))
	return acts && slices.ContainsFunc(p.Resources, func(resource string) bool { return names(resource, path) })
}

func actionOf(method string) string {
	switch method {
	case http.MethodPost:
		return "Create"
	case http.MethodPut, http.MethodPatch:
		return "Update"
	case http.MethodDelete:
		return "Delete"
	}
	return "View"
}

// names compares a path with a resource, segment by segment.
func names(resource, path string) bool {
	want, got := strings.Split(resource, "/"), strings.Split(path, "/")
	for i, w := range want {
		if w == "**" && len(got) > i {
			return true
		}
		if i >= len(got) || w != "*" && w != got[i] {
			return false
		}
	}
	return len(want) == len(got)
}
