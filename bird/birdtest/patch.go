package birdtest

import (
	"reflect"
	"slices"
)

// patch is a change to one contact.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts.
type patch struct {
	Strategy             string         `json:"strategy"`
	Attributes           map[string]any `json:"attributes"`
	AddIdentifiers       []Identifier   `json:"addIdentifiers"`
	RemoveIdentifiers    []Identifier   `json:"removeIdentifiers"`
	ListIDs              []string       `json:"listIds"`
	AddToLists           []string       `json:"addToLists"`
	RemoveFromLists      []string       `json:"removeFromLists"`
	AccountIDs           []string       `json:"accountIds"`
	AddToAccounts        []string       `json:"addToAccounts"`
	RemoveFromAccounts   []string       `json:"removeFromAccounts"`
	AllowWritingReadOnly bool           `json:"allowWritingReadOnly"` // for Flows only: ignored

	inside bool // made in Bird itself, which may write read-only attributes
}

// mostMembers is how many lists or accounts one call may name.
const mostMembers = 10

func (p *patch) check() *refusal {
	for _, ids := range [][]string{p.ListIDs, p.AddToLists, p.RemoveFromLists, p.AccountIDs, p.AddToAccounts, p.RemoveFromAccounts} {
		if len(ids) > mostMembers || slices.ContainsFunc(ids, func(id string) bool { return !uuidPattern.MatchString(id) }) {
			return invalid("lists and accounts must be at most 10 ids")
		}
	}
	if p.AccountIDs != nil && len(p.AccountIDs) == 0 {
		return invalid("accountIds must not be empty")
	}
	if !slices.Contains([]string{"", "strict_alias", "first_alias", "first"}, p.Strategy) {
		return invalid("strategy is unknown")
	}
	return nil
}

// change applies a patch to a contact as a whole, or refuses and changes
// nothing. Removals come before additions.
func (s *Server) change(before *Contact, p patch) (*Contact, *refusal) {
	if bad := p.check(); bad != nil {
		return nil, bad
	}
	if bad := s.checkAttributes(p); bad != nil {
		return nil, bad
	}
	c := before.clone()
	for _, i := range p.RemoveIdentifiers {
		c.Identifiers = slices.DeleteFunc(c.Identifiers, func(h Identifier) bool { return indexKey(h) == indexKey(i) })
	}
	for _, i := range p.AddIdentifiers {
		if bad := s.add(c, i); bad != nil {
			return nil, bad
		}
	}
	c.Anonymous = c.Anonymous && c.newest(phoneKey) == nil && c.newest(emailKey) == nil
	c.merge(p.Attributes)
	c.ListIDs = members(c.ListIDs, p.ListIDs, p.AddToLists, p.RemoveFromLists)
	c.AccountIDs = members(c.AccountIDs, p.AccountIDs, p.AddToAccounts, p.RemoveFromAccounts)
	if !s.opts.KeepUpdatedAt || !reflect.DeepEqual(before, c) {
		c.UpdatedAt = s.after(before.UpdatedAt)
	}
	s.replace(before, c)
	return c, nil
}

// merge sets attributes key by key; null clears one.
func (c *Contact) merge(attributes map[string]any) {
	for key, v := range attributes {
		switch {
		case key == phoneKey || key == emailKey: // mirrors cannot be written
		case v == nil:
			delete(c.Attributes, key)
		default:
			c.Attributes[key] = v
		}
	}
}

// members are the lists or accounts after a change: those set, if any are,
// else those before, then additions and removals.
func members(before, set, add, remove []string) []string {
	all := before
	if set != nil {
		all = set
	}
	all = slices.Clone(all)
	for _, id := range add {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return slices.DeleteFunc(all, func(id string) bool { return slices.Contains(remove, id) })
}
