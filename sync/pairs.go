package sync

import (
	"context"
	"slices"
)

// linksPage is how many links are taken from the store at once, and verifyPage
// how many pairs are read at once.
const (
	linksPage  = 1000
	verifyPage = 100
)

// eachPair hands over the active links of a flow that are chosen, up to a
// hundred at a time. Of links that change meanwhile it shows the one state or
// the other.
func (e *Engine) eachPair(ctx context.Context, flow string, choose func(*Link) bool, do func([]Link) error) error {
	var waiting []Link
	for after := ""; ; {
		links, err := e.cfg.Store.Links(ctx, flow, after, linksPage)
		if err != nil {
			return err
		}
		if len(links) == 0 {
			break
		}
		after = links[len(links)-1].ID
		for i := range links {
			if links[i].State == Active && choose(&links[i]) {
				waiting = append(waiting, links[i])
			}
		}
		for len(waiting) >= verifyPage {
			if err := do(waiting[:verifyPage]); err != nil {
				return err
			}
			waiting = slices.Delete(waiting, 0, verifyPage)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	return do(waiting)
}
