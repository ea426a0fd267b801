package hubspot

import (
	"context"
	"time"
)

// details are what HubSpot tells of an account.
type details struct {
	PortalID int64  `json:"portalId"`
	TimeZone string `json:"timeZone"`
}

// details reads whose account it is, and tells the quota when its days begin.
// Source: https://developers.hubspot.com/docs/api-reference/legacy/account/account-information/get-account-details
func (a *Adapter) details(ctx context.Context) (details, error) {
	var d details
	_, err := a.client.call(ctx, opAccount, target{}, nil, &d)
	if zone, unknown := time.LoadLocation(d.TimeZone); d.TimeZone != "" && unknown == nil {
		a.client.quota.day.locate(zone)
	}
	return d, err
}
