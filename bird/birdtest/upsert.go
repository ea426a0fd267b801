package birdtest

import "slices"

// upsertContact updates the contact that the identifiers mean, or creates it.
// The path's last segment is taken as it stands: %40 is no @.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts/create-or-update-a-contact-by-identifier.
func (s *Server) upsertContact(r request) reply {
	given := Identifier{Key: r.args[0], Value: r.args[1]}
	if bad := checkIdentifier(given); bad != nil {
		return malformed(bad.Message).reply()
	}
	var p patch
	if bad := r.decode(&p); bad != nil {
		return bad.reply()
	}
	p.AddIdentifiers = slices.Insert(p.AddIdentifiers, 0, given)
	found := s.matches(p.AddIdentifiers)
	if !s.alias(&p, found) {
		return exists(p.AddIdentifiers[len(p.AddIdentifiers)-1]).reply()
	}
	if len(found) == 0 {
		return s.inserted(p)
	}
	return s.patched(found[0], p)
}

// alias leaves those identifiers in the patch that its strategy adds to the
// first contact found. It reports false when the strategy wants one contact
// and there are several.
func (s *Server) alias(p *patch, found []*Contact) bool {
	switch p.Strategy {
	case "first_alias":
		p.AddIdentifiers = slices.DeleteFunc(p.AddIdentifiers, func(i Identifier) bool {
			h := s.holder(i)
			return h != nil && h != found[0]
		})
	case "first":
		p.AddIdentifiers = p.AddIdentifiers[:1]
		if len(found) > 0 {
			p.AddIdentifiers = nil
		}
	default:
		return len(found) <= 1
	}
	return true
}

// matches returns the contacts that hold the identifiers, each once, in the
// order of the identifiers.
func (s *Server) matches(identifiers []Identifier) []*Contact {
	var found []*Contact
	for _, i := range identifiers {
		if c := s.holder(i); c != nil && !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	return found
}
