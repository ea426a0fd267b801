package bird

import (
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// The shapes of the workspace API. Every field is optional on the wire; the
// documents' own examples leave most of them out.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts.

// contact is one contact as Bird tells it.
type contact struct {
	ID                  string                `json:"id"`
	ComputedDisplayName string                `json:"computedDisplayName"`
	FeaturedIdentifiers []identifier          `json:"featuredIdentifiers"`
	IdentifierCount     int                   `json:"identifierCount"`
	Attributes          map[string]sync.Value `json:"attributes"`
	IsAnonymous         bool                  `json:"isAnonymous"`
	UpdatedAt           moment                `json:"updatedAt"`

	whole bool // FeaturedIdentifiers holds all identifiers, the newest first
}

// moment is a time that is zero where Bird tells none or tells it in a way we
// do not know: no record is lost for its date.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(data []byte) error {
	t, err := time.Parse(`"`+time.RFC3339+`"`, string(data))
	if err == nil {
		m.Time = t
	}
	return nil
}

// identifier is one address by which a contact is known; its value belongs to
// one contact only.
type identifier struct {
	Key       string `json:"key"`
	Value     string `json:"value"`
	CreatedAt moment `json:"createdAt,omitzero"` // only in the list of identifiers
}

// page is one page of a list. The token stands at the root of the answer.
type page[T any] struct {
	Results       []T    `json:"results"`
	NextPageToken string `json:"nextPageToken"`
}

// patch is the body of an update and of an upsert. Attributes are merged key
// by key; null clears one.
type patch struct {
	Strategy          MatchStrategy         `json:"strategy,omitempty"`
	Attributes        map[string]sync.Value `json:"attributes,omitempty"`
	AddIdentifiers    []identifier          `json:"addIdentifiers,omitempty"`
	RemoveIdentifiers []identifier          `json:"removeIdentifiers,omitempty"`
}

// empty reports whether the patch changes nothing.
func (p *patch) empty() bool {
	return len(p.Attributes)+len(p.AddIdentifiers)+len(p.RemoveIdentifiers) == 0
}

// search asks for the contacts that hold an identifier.
type search struct {
	Identifier identifier `json:"identifier"`
}
