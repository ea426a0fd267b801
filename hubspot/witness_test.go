package hubspot

import (
	"encoding/json"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// Only a creation and a property's change claim anything, and not when the
// value is withheld: whatever else came along with a deletion or a merge, it
// must never pass for an echo.
func TestWhatEventsClaim(t *testing.T) {
	for _, tt := range []struct {
		verb, value string
		sensitive   bool
		want        string
	}{
		{"creation", `"ana@example.com"`, false, sync.IDField},
		{"propertyChange", `"ana@example.com"`, false, "email"},
		{"propertyChange", `"ana@example.com"`, true, ""},
		{"propertyChange", `"REDACTED"`, false, ""},
		{"propertyChange", ``, false, ""},
		{"deletion", `"ana@example.com"`, false, ""},
		{"restore", `"ana@example.com"`, false, ""},
		{"merge", `"ana@example.com"`, false, ""},
		{"associationChange", `"ana@example.com"`, false, ""},
		{"privacyDeletion", `"ana@example.com"`, false, ""},
	} {
		e := event{SubscriptionType: "contact." + tt.verb, ObjectID: "512", PropertyName: "email",
			PropertyValue: json.RawMessage(tt.value), IsSensitive: tt.sensitive}
		witness := e.change(concern{Contact, "512"}).Witness
		_, claims := witness[tt.want]
		if tt.want == "" && len(witness) > 0 || tt.want != "" && (len(witness) != 1 || !claims) {
			t.Errorf("%+v claims %v", tt, witness)
		}
	}
}
