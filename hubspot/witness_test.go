package hubspot

import (
	"encoding/json"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// Only a creation and a property's change claim anything: whatever else came
// along with a deletion or a merge, it must never pass for an echo.
func TestWhatEventsClaim(t *testing.T) {
	for verb, want := range map[string]string{"creation": sync.IDField, "propertyChange": "email",
		"deletion": "", "restore": "", "merge": "", "privacyDeletion": ""} {
		e := event{SubscriptionType: "contact." + verb, ObjectID: "512", PropertyName: "email",
			PropertyValue: json.RawMessage(`"ana@example.com"`)}
		witness := e.change("512").Witness
		_, claims := witness[want]
		if want == "" && len(witness) > 0 || want != "" && (len(witness) != 1 || !claims) {
			t.Errorf("%s claims %v, want %q", verb, witness, want)
		}
	}
}
