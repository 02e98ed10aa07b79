package lang

import (
	"strconv"
	"strings"
	"time"
)

// units of [Texts.Bytes] above the byte, smallest first: ids of texts with a
// number, {{.N}}.
var units = []string{"size_kilobytes", "size_megabytes", "size_gigabytes", "size_terabytes"}

// Bytes writes a size so that a person can read it: in steps of a thousand, one
// digit after the sign below ten.
func (t *Texts) Bytes(n int64) string {
	if n < 1000 {
		return t.Count("size_bytes", int(n))
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	digits := 0
	if value < 9.95 {
		digits = 1
	}
	number := strings.Replace(strconv.FormatFloat(value, 'f', digits, 64), ".", t.Text("decimal_sign"), 1)
	return t.Text(units[unit], map[string]any{"N": number})
}

// AtMost writes a limit: rounded down, so that what it names is allowed.
func (t *Texts) AtMost(n int64) string {
	step := int64(1)
	for n/step >= 100 { // two digits are kept
		step *= 10
	}
	return t.Bytes(n - n%step)
}

// Day writes a day given as "2006-01-02" as people do. What is not a day comes
// out as it is.
func (t *Texts) Day(day string) string {
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	number := strconv.Itoa(d.Day())
	if d.Day() == 1 {
		number = t.Text("first_day") // "1er" in French
	}
	return t.Text("date", map[string]any{
		"Day": number, "Month": t.Text("month_" + strconv.Itoa(int(d.Month()))), "Year": d.Year(),
	})
}
