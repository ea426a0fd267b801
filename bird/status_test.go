package bird_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/bird"
)

var statuses = []bird.MessageStatus{bird.StatusAccepted, bird.StatusProcessing, bird.StatusSent, bird.StatusSkipped,
	bird.StatusRejected, bird.StatusSendingFailed, bird.StatusDeliveryFailed, bird.StatusDelivered, bird.StatusRead}

func TestMessageStatusesAreInOrder(t *testing.T) {
	for i, s := range statuses {
		for j, other := range statuses {
			equal(t, string(s)+" after "+string(other), s.After(other), i > j)
		}
		equal(t, "a known one after an unknown", s.After("queued"), true)
		equal(t, "an unknown one after a known", bird.MessageStatus("queued").After(s), false)
		equal(t, string(s), s.Failed(), i >= 3 && i <= 6)
	}
	equal(t, "unknown ones", bird.MessageStatus("queued").After(""), false)
}

// TestStatusesFoldAlikeInAnyOrder: whoever keeps the status that is After all
// others ends with the same one, however events are doubled and reordered.
func TestStatusesFoldAlikeInAnyOrder(t *testing.T) {
	fold := func(heard []bird.MessageStatus) (last bird.MessageStatus) {
		for _, s := range heard {
			if s.After(last) {
				last = s
			}
		}
		return last
	}
	rapid.Check(t, func(t *rapid.T) {
		heard := rapid.SliceOfN(rapid.SampledFrom(statuses), 1, 8).Draw(t, "heard")
		again := rapid.Permutation(append(heard, heard...)).Draw(t, "again")
		if a, b := fold(heard), fold(again); a != b {
			t.Fatalf("%v ends with %s, %v with %s", heard, a, again, b)
		}
	})
}
