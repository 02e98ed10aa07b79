package slots

import (
	"bytes"
	"context"
	"fmt"
	"iter"
)

// A Problem is what [File.Verify] finds wrong.
type Problem int

const (
	// HeaderDamaged: one of the two header pages. Repair writes it anew.
	HeaderDamaged Problem = iota + 1
	// OneCopy: of a key in use only one copy is good. Repair mends the other.
	OneCopy
	// Lost: of a key in use no copy is good. Its submission cannot be opened.
	Lost
	// Contradiction: the copies of a key in use are both whole, and differ.
	// [File.Key] returns the first.
	Contradiction
	// Shared: the vault names the slot for two submissions.
	Shared
	// Litter: a slot that is not in use is neither empty nor whole. No
	// submission suffers. Repair zeroes it.
	Litter
	// NotZeroed: a slot that must be empty is not. Zero, called again, or
	// Repair, after Zero succeeded once, empties it.
	NotZeroed
)

// A Finding is one thing wrong with the file.
type Finding struct {
	Problem Problem
	Slot    uint32 // of no meaning for a header
	Good    string // "A" or "B": the good copy, where there is exactly one
}

// String is a sentence for the admin.
func (f Finding) String() string {
	switch f.Problem {
	case HeaderDamaged:
		return fmt.Sprintf("the header of the slots file is damaged, copy %s is good", f.Good)
	case OneCopy:
		return fmt.Sprintf("slot %d is damaged, copy %s is good", f.Slot, f.Good)
	case Lost:
		return fmt.Sprintf("slot %d is damaged, its key is lost", f.Slot)
	case Contradiction:
		return fmt.Sprintf("slot %d has two different keys", f.Slot)
	case Shared:
		return fmt.Sprintf("slot %d is named by two submissions", f.Slot)
	case Litter:
		return fmt.Sprintf("slot %d is damaged, and not in use", f.Slot)
	case NotZeroed:
		return fmt.Sprintf("slot %d is not zeroed", f.Slot)
	}
	return fmt.Sprintf("slot %d has an unknown problem", f.Slot)
}

// Verify checks every byte of the file, read anew from the disk where the
// system allows, and yields what is wrong; it changes nothing. A slot that a
// crash left half refilled is not wrong as long as each of its copies is empty
// or whole: it is made anew before it is used. Zeroing that a crash
// interrupted is, so the vault repeats it before it verifies.
//
// Others may read and change the file meanwhile. It stops at the first error.
func (f *File) Verify(ctx context.Context) iter.Seq2[Finding, error] {
	return func(yield func(Finding, error) bool) {
		var p pair
		defer p.clear()
		findings, err := f.verifyStart()
		for number := 0; ; number++ {
			for _, finding := range findings {
				if !yield(finding, nil) {
					return
				}
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Finding{}, err)
				return
			}
			var more bool
			if findings, more, err = f.verifyPair(&p, number); !more && err == nil {
				return
			}
		}
	}
}

// verifyStart checks the headers and what the vault said at Open.
func (f *File) verifyStart() (findings []Finding, err error) {
	f.gate.RLock()
	defer f.gate.RUnlock()
	if f.closed {
		return nil, errClosed
	}
	if err := f.disk.Forget(); err != nil {
		return nil, err
	}
	good := f.goodHeaders()
	if !good[copyA] || !good[copyB] {
		findings = append(findings, Finding{Problem: HeaderDamaged, Good: nameGood(good[copyA], good[copyB])})
	}
	for _, slot := range f.shared {
		findings = append(findings, Finding{Problem: Shared, Slot: slot})
	}
	for _, slot := range f.beyond {
		findings = append(findings, Finding{Problem: Lost, Slot: slot})
	}
	return findings, nil
}

func (f *File) goodHeaders() (good [2]bool) {
	var page [pageSize]byte
	for i := range good {
		readOrZeros(f.disk, page[:], int64(i)*pageSize)
		good[i] = checkHeader(page[:], f.id) == nil
	}
	return good
}

func nameGood(a, b bool) string {
	switch {
	case a && !b:
		return "A"
	case b && !a:
		return "B"
	}
	return ""
}

func (f *File) verifyPair(p *pair, number int) (findings []Finding, more bool, err error) {
	f.gate.RLock()
	defer f.gate.RUnlock()
	if f.closed {
		return nil, false, errClosed
	}
	if number*perPage >= len(f.states) {
		return nil, false, nil
	}
	f.readPair(p, number)
	for i := range perPage {
		if finding := f.judge(p, i); finding.Problem != 0 {
			findings = append(findings, finding)
		}
	}
	return findings, true, nil
}

// A pair is what is in both pages of one.
type pair struct {
	first uint32 // its first slot
	pages [2][pageSize]byte
}

func (f *File) readPair(p *pair, number int) {
	p.first = uint32(number * perPage)
	for c := range p.pages {
		readOrZeros(f.disk, p.pages[c][:], pageOffset(number, copyOf(c)))
	}
}

func (p *pair) copyOf(i int, c copyOf) []byte { return p.pages[c][i*slotSize : (i+1)*slotSize] }

func (p *pair) clear() { clear(p.pages[copyA][:]); clear(p.pages[copyB][:]) }

// judge says what is wrong with the i-th slot of a pair.
func (f *File) judge(p *pair, i int) Finding {
	slot := p.first + uint32(i)
	a, b := p.copyOf(i, copyA), p.copyOf(i, copyB)
	if s := f.states[slot]; s == doomed || s == zeroed {
		if isEmpty(a) && isEmpty(b) {
			return Finding{}
		}
		return Finding{Problem: NotZeroed, Slot: slot}
	}
	same := bytes.Equal(a, b)
	if same && isEmpty(a) && f.states[slot] == free {
		return Finding{}
	}
	goodA := holdsKey(a, f.id, slot)
	goodB := same && goodA || !same && holdsKey(b, f.id, slot)
	problem := Problem(0)
	switch s := f.states[slot]; {
	case s == free && (goodA || isEmpty(a)) && (goodB || isEmpty(b)):
	case s != free && goodA && goodB && same:
	case !s.inUse():
		problem = Litter
	case goodA && goodB:
		problem = Contradiction
	case goodA || goodB:
		problem = OneCopy
	default:
		problem = Lost
	}
	return Finding{Problem: problem, Slot: slot, Good: nameGood(goodA, goodB)}
}
