package order

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"sourdine/vault"
	"sourdine/vault/translog"
)

func lists() []List {
	return []List{ListAcknowledged, ListOpened, ListDeletions, ListReplies, ListEnvelopes}
}

// check has words for who makes a receipt.
func (a *Applied) check() error {
	_, err := translog.Origin(a.VaultKey)
	switch {
	case err != nil:
		return err
	case !fingerprintForm.MatchString(a.Reviewer) || !isDigest(a.Order) || a.Sequence < 1 || a.Sequence > maxNumber:
		return errors.New("a receipt names no order")
	}
	return a.Done.check()
}

func (d *Done) check() error {
	most := map[int]int{MaxIDs: max(d.Acknowledged, d.Opened, d.Deleted), MaxReplies: d.Replies, MaxEnvelopes: d.Envelopes}
	for limit, n := range most {
		if n > limit {
			return errors.New("a receipt counts more than an order can hold")
		}
	}
	if min(d.Acknowledged, d.Opened, d.Deleted, d.Replies, d.Envelopes, d.Refused) < 0 || len(d.Refusals) != min(d.Refused, MaxRefusals) {
		return errors.New("a receipt does not count its refusals")
	}
	for i, r := range d.Refusals {
		if !r.valid() || i > 0 && CompareRefusals(d.Refusals[i-1], r) >= 0 {
			return errors.New("the refusals of a receipt are not sorted, or one is not in its form")
		}
	}
	return nil
}

func (r Refusal) valid() bool {
	if !slices.Contains(lists(), r.List) || !slices.Contains(Reasons(), r.Reason) {
		return false
	}
	if r.List != ListReplies {
		_, err := vault.ParseID(r.ID)
		return err == nil
	}
	n, err := strconv.Atoi(r.ID)
	return err == nil && n >= 1 && n <= MaxReplies && strconv.Itoa(n) == r.ID
}

// CompareRefusals orders refusals as a receipt lists them: by list, then by id,
// replies by their number.
func CompareRefusals(a, b Refusal) int {
	return cmp.Or(
		cmp.Compare(slices.Index(lists(), a.List), slices.Index(lists(), b.List)),
		cmp.Compare(len(a.ID), len(b.ID)), // a longer number is a greater one; all other ids are of one length
		strings.Compare(a.ID, b.ID),
	)
}
