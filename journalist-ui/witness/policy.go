package witness

import (
	"time"

	"sourdine/vault/translog"
)

// defaultRetention is that of a channel whose policy the log does not tell
// (vault.DefaultRetention), in days.
const defaultRetention = 30

// policiesOn returns the policies of a channel that were in force at some time
// of a day. The order within a batch says nothing, so that all policies of the
// last day that has one are taken.
func (x *index) policiesOn(channel, day string) []translog.Policy {
	var on []translog.Policy
	last := ""
	for _, p := range x.policies[channel] {
		if p.Day < day {
			last = p.Day
		}
	}
	for _, p := range x.policies[channel] {
		if p.Day == day || (p.Day == last && last != "") {
			on = append(on, p.Policy)
		}
	}
	if last == "" {
		on = append(on, translog.Policy{Channel: channel, Retention: defaultRetention})
	}
	return on
}

// limitSince is the earliest day since which the channel of a policy that may be in
// force on a day can have had its limit without a break. On a day with several
// policies the order says nothing; but the one that was in force after such a day
// and has another limit beside it got its own on that day.
func (x *index) limitSince(p translog.Policy, day string) string {
	since, broken := p.Day, false
	list := x.policies[p.Channel]
	for i := len(list) - 1; i >= 0; {
		on, same, other := list[i].Day, false, false
		for ; i >= 0 && list[i].Day == on; i-- {
			same, other = same || list[i].Limit == p.Limit, other || list[i].Limit != p.Limit
		}
		if on > p.Day {
			continue
		}
		if broken || !same {
			break
		}
		since, broken = on, other && on < day
	}
	return since
}

// rosterDay is the day of the roster that a channel had before a day began: what
// the roster became on the day itself may have been later than all else on it. ""
// when there was none.
func (x *index) rosterDay(channel, day string) string {
	list := x.rosters[channel]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].day < day {
			return list[i].day
		}
	}
	return ""
}

// shortest is the smallest retention that is not 0, which is for ever; not ok when
// there is none.
func shortest(policies []translog.Policy) (n int, ok bool) {
	for _, p := range policies {
		if d := p.Retention; d > 0 && (!ok || d < n) {
			n, ok = d, true
		}
	}
	return n, ok
}

// daysBetween is negative when the first day is the later one.
func daysBetween(from, to string) int {
	start, err1 := time.Parse(time.DateOnly, from)
	end, err2 := time.Parse(time.DateOnly, to)
	if err1 != nil || err2 != nil {
		return -1
	}
	return int(end.Sub(start) / (24 * time.Hour)) // days in UTC have 24 hours each
}
