package hubspottest

import (
	"fmt"
	"slices"
)

const defaultPipeline = "default"

// stockStages are the stages of the pipeline that every account starts with.
var stockStages = words("appointmentscheduled qualifiedtobuy presentationscheduled decisionmakerboughtin contractsent closedwon closedlost")

// stageProblem says what is wrong with a deal's pipeline and stage, nil when nothing is. The vendor's own text is not
// published.
func (a *Account) stageProblem(pipeline, stage string) *problem {
	if pipeline != defaultPipeline {
		return &problem{propPipeline, "INVALID_OPTION", fmt.Sprintf("%s was not one of the allowed options: [%s]", pipeline, defaultPipeline)}
	}
	if !slices.Contains(stockStages, stage) {
		return &problem{propStage, "INVALID_OPTION", fmt.Sprintf("%s was not one of the allowed options: %v", stage, stockStages)}
	}
	return nil
}
