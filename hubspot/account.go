package hubspot

import (
	"context"
	"net/url"
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

// An Owner is a person to whom records belong. Its ID is what the property
// hubspot_owner_id holds.
type Owner struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
}

// Owners returns the account's owners, the deactivated ones left out. The
// token needs the scope crm.objects.owners.read. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/owners/guide
func (a *Adapter) Owners(ctx context.Context) ([]Owner, error) {
	var all []Owner
	query := url.Values{"limit": {"100"}}
	for {
		var reply struct {
			Results []Owner `json:"results"`
			Paging  paging  `json:"paging"`
		}
		if _, err := a.client.call(ctx, opOwners, target{query: query}, nil, &reply); err != nil {
			return nil, err
		}
		all = append(all, reply.Results...)
		after := reply.Paging.Next.After
		if after == "" || after == query.Get("after") {
			return all, nil
		}
		query.Set("after", after)
	}
}
