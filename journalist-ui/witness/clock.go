package witness

import "time"

// clocksApart is how many days the vault's clock may be ahead of this machine's.
const clocksApart = 1

// today is the day by this machine's clock, UTC.
func today() string { return time.Now().UTC().Format(time.DateOnly) }

// lastDue is the last day that can have come where a vault is. That it says so
// makes no later day come, for a deletion least of all.
func lastDue() string { return time.Now().UTC().AddDate(0, 0, clocksApart).Format(time.DateOnly) }

// forerunners find leaves of days that have not come. There is one finding for all
// of them: a clock that was ahead for long must not bury the desk. It is about this
// machine's clock as it is now, and goes when that is put right or the day has
// come: a book that remembered a wrong clock would accuse the vault for ever.
type forerunners struct {
	last     string // day that is not too late
	findings []Finding
}

func (f *forerunners) look(number int64, line []byte) {
	day := field(line, dayStart, daySize)
	if day <= f.last {
		return
	}
	if len(f.findings) == 0 {
		f.findings = []Finding{{Kind: LeafAhead, Leaf: number, Day: day}}
	}
	f.findings[0].Known++
}
