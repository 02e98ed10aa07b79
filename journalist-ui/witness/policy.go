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

// shortest is the smallest number of days that is not 0, which is for ever; not
// ok when there is none.
func shortest(policies []translog.Policy, days func(translog.Policy) int) (n int, ok bool) {
	for _, p := range policies {
		if d := days(p); d > 0 && (!ok || d < n) {
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
