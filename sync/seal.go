package sync

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
)

// newKey returns the key of a link: 256 random bits.
func newKey() []byte {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return key
}

// cipherOf returns the AES-GCM that seals under a key.
func cipherOf(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("the key of a link: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sealedValues are the values of a [Decision].
type sealedValues struct {
	Before [2]Value
	After  Value
}

// values reports whether the entry holds values of the records.
func (e *Entry) values() bool {
	return e.Decision != nil && (e.Decision.Before != [2]Value{} || e.Decision.After != Value{})
}

// sealed returns the entry with its values encrypted; without a key they are
// left out.
func sealed(n Entry, key []byte) (Entry, error) {
	if !n.values() {
		return n, nil
	}
	d := *n.Decision
	n.Decision = &d
	v := sealedValues{Before: d.Before, After: d.After}
	d.Before, d.After = [2]Value{}, Value{}
	if key == nil {
		return n, nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return n, err
	}
	aead, err := cipherOf(key)
	if err != nil {
		return n, err
	}
	//nolint:gosec // G407: this AEAD draws its own nonces, and takes none
	n.Sealed = aead.Seal(nil, nil, text, []byte(n.Flow+"."+d.Field))
	return n, nil
}

// opened returns the entry with its values. Those whose key was dropped stay
// away; those that do not fit to their key are an error.
func opened(n Entry, key []byte) (Entry, error) {
	if n.Sealed == nil || key == nil || n.Decision == nil {
		return n, nil
	}
	aead, err := cipherOf(key)
	if err != nil {
		return n, err
	}
	text, err := aead.Open(nil, nil, n.Sealed, []byte(n.Flow+"."+n.Decision.Field))
	var v sealedValues
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return n, &Error{Op: "open audit", Action: Fatal, Ref: n.Left, Rule: "entry.sealed",
			Hint: "the audit was changed; Engine.VerifyAudit tells where", Err: fmt.Errorf("the values of entry %d: %w", n.Seq, err)}
	}
	d := *n.Decision
	d.Before, d.After = v.Before, v.After
	n.Decision = &d
	return n, nil
}

// Entries returns a page of the audit with the values of the records: personal
// data, to be shown only to those who may see the records. The values of
// people whose data were erased are gone.
func (e *Engine) Entries(ctx context.Context, filter AuditFilter) ([]Entry, error) {
	return ReadAudit(ctx, e.cfg.Store, filter)
}

// ReadAudit is [Engine.Entries] without an engine.
func ReadAudit(ctx context.Context, store Store, filter AuditFilter) ([]Entry, error) {
	page, err := store.Entries(ctx, filter)
	if err != nil {
		return nil, err
	}
	keys := map[string][]byte{}
	for i := range page {
		n := &page[i]
		if n.Sealed == nil {
			continue
		}
		if _, known := keys[n.Link]; !known {
			link, err := linkByID(ctx, store, n.Flow, n.Link)
			if err != nil && !errors.Is(err, ErrNotFound) {
				return nil, err
			}
			keys[n.Link] = link.Key
		}
		if *n, err = opened(*n, keys[n.Link]); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// linkByID returns a link that may have no end left to find it by.
func linkByID(ctx context.Context, store Links, flow, id string) (Link, error) {
	if id == "" {
		return Link{}, ErrNotFound
	}
	last := len(id) - 1
	before := id[:last] + string(id[last]-1) + "~" // made of letters and digits, no ID is in between
	page, err := store.Links(ctx, flow, before, 1)
	if err != nil {
		return Link{}, err
	}
	if len(page) == 0 || page[0].ID != id {
		return Link{}, ErrNotFound
	}
	return page[0], nil
}
