package hubspottest

import (
	"slices"
	"strings"
)

// savePipeline checks an edited pipeline and puts it in the place of the old one. Stages that deals are in cannot go,
// unless forced. Its deals count as modified.
func (a *Account) savePipeline(p Pipeline, force bool, by Actor) *apiError {
	if bad := p.check(); bad != nil {
		return bad
	}
	old, _ := a.pipelines.find(p.ID)
	if bad := a.inUse(old, p); bad != nil && !force {
		return bad
	}
	p.UpdatedAt = a.now().Format(timeLayout)
	p.CreatedAt = or(p.CreatedAt, p.UpdatedAt)
	a.pipelines.put(p)
	a.pipelinesChanged(p.ID, by)
	return nil
}

// removePipeline deletes a pipeline for good.
func (a *Account) removePipeline(p Pipeline, force bool, by Actor) *apiError {
	if bad := a.inUse(p, Pipeline{}); bad != nil && !force {
		return bad
	}
	a.pipelines.drop(p.ID)
	a.pipelinesChanged(p.ID, by)
	return nil
}

// pipelinesChanged tells the schema and the deals of an edited pipeline. HubSpot moves the modified time of all of them:
// https://github.com/PipedreamHQ/pipedream/issues/4209
func (a *Account) pipelinesChanged(id string, by Actor) {
	a.offerStages()
	for _, deal := range a.in("deals").order {
		if deal.live() && deal.value(propPipeline) == id {
			a.touch(deal, by)
		}
	}
}

// offerStages makes the pipelines and stages the options of the deal's properties.
func (a *Account) offerStages() {
	schema := a.in("deals").schema
	pipelines, stages := a.pipelines.options()
	for name, options := range map[string][]Option{propPipeline: pipelines, propStage: stages} {
		p := *schema.properties[name] // a copy: answers under way may hold the old one
		p.Options = options
		schema.properties[name] = &p
	}
}

// inUse refuses an edit that takes away stages with live deals in them.
func (a *Account) inUse(old, edited Pipeline) *apiError {
	var stages, deals []string
	for _, s := range old.Stages {
		if edited.stage(s.ID) >= 0 {
			continue
		}
		if found := a.dealsIn(old.ID, s.ID); len(found) > 0 {
			stages = append(stages, s.ID)
			deals = append(deals, found...)
		}
	}
	if len(deals) == 0 {
		return nil
	}
	slices.Sort(deals)
	inStages, inDeals := "["+strings.Join(stages, ", ")+"]", "["+strings.Join(deals, ", ")+"]"
	e := invalid("Stage IDs: %s are being referenced by object IDs: %s", inStages, inDeals)
	e.SubCategory = "PipelineError.STAGE_ID_IN_USE"
	e.Context = map[string][]string{"stageIds": {inStages}, "objectIds": {inDeals}}
	return e
}

func (a *Account) dealsIn(pipeline, stage string) []string {
	var ids []string
	for _, deal := range a.in("deals").order {
		if deal.live() && deal.value(propPipeline) == pipeline && deal.value(propStage) == stage {
			ids = append(ids, deal.key())
		}
	}
	return ids
}

// audit remembers an edit of a pipeline or a stage.
func (a *Account) audit(action, id string, raw any, by Actor) {
	rev := Revision{At: a.now(), By: by}.wire()
	a.pipelines.audits[id] = append(a.pipelines.audits[id], audit{
		PortalID: a.PortalID, Identifier: id, Action: action, Timestamp: rev.Timestamp, FromUserID: rev.UpdatedByUserID,
		RawObject: raw, Message: strings.ToLower(action),
	})
}

// Pipelines returns the deal pipelines in their order.
func (a *Account) Pipelines() []Pipeline {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pipelines.copies()
}

// AddPipeline makes a deal pipeline as a user, or replaces the one with its ID. "" mints an ID. It panics when the account
// would refuse it.
func (a *Account) AddPipeline(p Pipeline) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	p.ID = or(p.ID, a.pipelines.mint())
	p.Label = or(p.Label, p.ID)
	p = p.clone()
	for i, s := range p.Stages {
		p.Stages[i] = s.seeded(i)
	}
	a.mustSave(p)
	return p.ID
}

// AddStage makes a stage at the end of a pipeline as a user, or replaces the one with its ID. A stage without a probability
// gets 0.5. It panics when the account would refuse it.
func (a *Account) AddStage(pipeline string, s Stage) {
	a.editPipeline(pipeline, func(p Pipeline) Pipeline { return p.with(s.seeded(len(p.Stages))) })
}

// RenameStage changes the label of a stage as a user. It panics when there is no such stage.
func (a *Account) RenameStage(pipeline, stage, label string) {
	a.editPipeline(pipeline, func(p Pipeline) Pipeline {
		i := p.stage(stage)
		if i < 0 {
			panic("hubspottest: pipeline " + pipeline + " has no stage " + stage)
		}
		p.Stages[i].Label = label
		return p
	})
}

// ArchiveStage deletes a stage as a user. It panics when deals are in it.
func (a *Account) ArchiveStage(pipeline, stage string) {
	a.editPipeline(pipeline, func(p Pipeline) Pipeline { return p.without(stage) })
}

func (a *Account) editPipeline(id string, edit func(Pipeline) Pipeline) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p, known := a.pipelines.find(id)
	if !known {
		panic("hubspottest: no pipeline " + id)
	}
	a.mustSave(edit(p))
}

func (a *Account) mustSave(p Pipeline) {
	if bad := a.savePipeline(p, false, admin); bad != nil {
		panic(bad)
	}
	a.audit("UPDATE", p.ID, p, admin)
}
