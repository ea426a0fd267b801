package hubspot

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/urbanhub/crmsync/sync"
)

// A LivePipeline is a pipeline that the account has.
type LivePipeline struct {
	// ID is what the property pipeline holds; Label is what people see.
	ID, Label string
	// Stages are in the order in which records move through them.
	Stages []LiveStage
}

// A LiveStage is one step of a pipeline.
type LiveStage struct {
	// ID is what the property dealstage holds; Label is what people see.
	ID, Label string
	// Closed is set when a record in the stage is done with.
	Closed bool
	// Probability is that of winning, from 0 (lost) to 1 (won).
	Probability float64
}

// Pipelines returns the pipelines of a kind that are not archived, in the
// account's order; only deals have any. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
func (a *Adapter) Pipelines(ctx context.Context, kind sync.Kind) ([]LivePipeline, error) {
	if err := kindError(opPipelines.String(), kind); err != nil || kind != Deal {
		return nil, err
	}
	list, err := a.pipelinesOf(ctx, kind)
	var live []LivePipeline
	for _, p := range active(list) {
		one := LivePipeline{ID: p.ID, Label: p.Label}
		for _, s := range active(p.Stages) {
			one.Stages = append(one.Stages, s.stage())
		}
		live = append(live, one)
	}
	return live, err
}

// active are those that are not archived, in the account's order.
func active(list []pipeline) []pipeline {
	list = slices.DeleteFunc(slices.Clone(list), func(p pipeline) bool { return p.Archived })
	slices.SortStableFunc(list, func(p, q pipeline) int { return cmp.Compare(p.Order, q.Order) })
	return list
}

func (p pipeline) stage() LiveStage {
	chance, _ := strconv.ParseFloat(p.Metadata.Probability, 64) // 0 if it is not told
	return LiveStage{ID: p.ID, Label: p.Label, Closed: p.Metadata.Closed == "true", Probability: chance}
}
