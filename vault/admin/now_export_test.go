package admin

import "time"

// SetNow gives a Local another clock.
func (l *Local) SetNow(now func() time.Time) { l.now = now }
