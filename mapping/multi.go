package mapping

import (
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// multiCodec sees sorted lists of distinct options. HubSpot writes them as
// one text, "a;b", so an option cannot hold a semicolon on either side.
// (https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide)
type multiCodec struct{ form Form }

func (multiCodec) decode(raw sync.Value) (sync.Value, *fault) {
	items := raw.Items()
	if !raw.IsList() {
		items = strings.Split(raw.String(), ";")
	}
	kept := make([]string, 0, len(items))
	for _, item := range items {
		item = strings.TrimSpace(item)
		if strings.Contains(item, ";") {
			return sync.Value{}, &fault{"multi.separator", "take the semicolon out of the option"}
		}
		if item != "" {
			kept = append(kept, item)
		}
	}
	slices.Sort(kept)
	return sync.List(slices.Compact(kept)...), nil
}

func (c multiCodec) encode(v sync.Value) (sync.Value, *fault) {
	if c.form == FormList {
		return v, nil
	}
	return sync.Text(v.String()), nil
}
