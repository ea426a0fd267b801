package hubspot

import (
	"errors"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// fewCulprits is how many culprits are looked for one by one. Where there are
// more, halving what is left is cheaper.
const fewCulprits = 2

// A trial carries out items by calls that HubSpot may refuse as a whole for
// what a single item holds, and finds the culprits.
type trial[T any] struct {
	// send makes one call. Its error is a refusal of the call; items that the
	// answer settles one by one are no error.
	send func(items []T) error
	// fail settles an item with the error of its own.
	fail func(item T, err error)
	// accused, if set, reports whether an error may be about the item.
	accused func(item T, err error) bool

	found int
	split error // why a call for several items was refused, nil if none was
}

// run settles the items. One culprit among a hundred costs at most nine calls
// when the refusal names a reason, ten when it does not.
func (t *trial[T]) run(items []T) {
	for len(items) > 0 {
		err := t.send(items)
		switch {
		case err == nil:
			return
		case len(items) == 1 || !refused(err):
			t.failAll(items, err)
			return
		case t.found >= fewCulprits:
			t.split = err
			half := len(items) / 2
			t.run(items[:half])
			items = items[half:]
		default:
			t.split = err
			items = t.hunt(items, err)
		}
	}
}

// hunt finds one culprit among items that were refused together, and returns
// those of which it has learned nothing. Of the suspects one half is sent: if
// it is taken, the culprit is in the other, which need not be sent to know
// that; if it is refused, the other half may well be innocent and waits. So
// all that is innocent is carried out on the way or together at the end.
func (t *trial[T]) hunt(items []T, why error) (rest []T) {
	suspects, rest := t.suspects(items, why)
	for len(suspects) > 1 {
		half, others := suspects[:len(suspects)/2], suspects[len(suspects)/2:]
		switch err := t.send(half); {
		case err == nil:
			suspects = others
		case refused(err):
			suspects, rest, why = half, append(rest, others...), err
		default:
			t.failAll(half, err)
			return append(rest, others...)
		}
	}
	if named(why) {
		t.failAll(suspects, why)
	} else if err := t.send(suspects); err != nil { // two inputs may not have gone together
		t.failAll(suspects, err)
	}
	return rest
}

// suspects parts the items into those that the error may be about and the
// others.
func (t *trial[T]) suspects(items []T, why error) (suspects, others []T) {
	if t.accused != nil {
		for _, item := range items {
			if t.accused(item, why) {
				suspects = append(suspects, item)
			} else {
				others = append(others, item)
			}
		}
	}
	if len(suspects) == 0 {
		return slices.Clone(items), nil
	}
	return suspects, others
}

func (t *trial[T]) failAll(items []T, err error) {
	t.found++
	for _, item := range items {
		t.fail(item, err)
	}
}

// refused reports whether a call was refused for what some input holds.
func refused(err error) bool {
	e := asError(err)
	return e != nil && (e.Action == sync.Invalid || e.Action == sync.Conflict || e.Action == sync.NotFound)
}

// named reports whether the error says what is wrong with some single input.
func named(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (len(api.Details) > 0 || api.ExistingID != "" || len(api.UnknownIDs) > 0)
}
