package main

import (
	"context"
	"errors"
	"io"

	"sourdine/journalist-ui/pickup"
	"sourdine/vault/admin"
	"sourdine/vault/order"
	"sourdine/vault/parcel"
)

// reviewersSide is what pickup stands before.
type reviewersSide struct{ local *admin.Local }

func (s reviewersSide) Reviewers(context.Context) ([]pickup.Reviewer, error) {
	members, err := s.local.Reviewers()
	reviewers := make([]pickup.Reviewer, len(members))
	for i, m := range members {
		reviewers[i] = pickup.Reviewer{Name: m.Name, Fingerprint: m.Fingerprint}
	}
	return reviewers, err
}

func (s reviewersSide) Size(ctx context.Context) (int64, error) { return s.local.Shown(ctx) }

func (s reviewersSide) Parts(ctx context.Context, r pickup.Request) ([]string, error) {
	return s.local.Parts(ctx, admin.Export{Reviewer: r.Reviewer, Size: r.Size})
}

func (s reviewersSide) Rosters() uint64 { return s.local.Vault().RostersVersion() }

// A planned parcel tells pickup how much memory it takes.
type planned struct{ *parcel.Plan }

func (p planned) Count() int { return len(p.Index().Submissions) }

func (s reviewersSide) Plan(ctx context.Context, r pickup.Request) (pickup.Plan, error) {
	plan, err := s.local.PlanShown(ctx, admin.Export{Reviewer: r.Reviewer, Size: r.Size, After: r.After})
	switch {
	case errors.Is(err, parcel.ErrOutdated):
		return nil, pickup.ErrOutdated
	case errors.Is(err, admin.ErrRefused):
		return nil, &pickup.Refusal{Reason: pickup.RefusedStranger}
	}
	return planned{plan}, err
}

func (s reviewersSide) Apply(ctx context.Context, r io.Reader) (pickup.Outcome, error) {
	receipt, err := s.local.ApplyParcel(ctx, r)
	if refusal := pickupRefusal(err); refusal != nil {
		return pickup.Outcome{}, refusal
	}
	done := receipt.Note.Done
	o := pickup.Outcome{Again: receipt.Again, Acknowledged: done.Acknowledged, Opened: done.Opened, Replies: done.Replies,
		Envelopes: done.Envelopes, Deleted: done.Deleted, Refused: done.Refused, Reasons: map[string]int{}}
	for _, refusal := range done.Refusals {
		o.Reasons[string(refusal.Reason)]++
	}
	return o, err
}

// pickupRefusal is what the page says of an error; nil for one that is not the
// reviewer's.
func pickupRefusal(err error) error {
	var sequence *admin.SequenceError
	if errors.As(err, &sequence) {
		reason := pickup.RefusedOlder
		switch {
		case sequence.Got > sequence.Expected && sequence.Restored:
			reason = pickup.RefusedRestored // the one before it is void: nobody must bring it
		case sequence.Got > sequence.Expected:
			reason = pickup.RefusedMissing
		}
		return &pickup.Refusal{Reason: reason, Got: sequence.Got, Expected: sequence.Expected}
	}
	if !errors.Is(err, admin.ErrRefused) {
		return nil
	}
	for _, known := range []struct {
		err    error
		reason string
	}{
		{admin.ErrOtherLog, pickup.RefusedLog}, {admin.ErrStranger, pickup.RefusedStranger},
		{order.ErrOtherVault, pickup.RefusedServer},
		{order.ErrOtherKey, pickup.RefusedSignature}, {order.ErrAltered, pickup.RefusedSignature}, {parcel.ErrReturnAltered, pickup.RefusedSignature},
		{order.ErrKeyExpired, pickup.RefusedKey}, {order.ErrKeyRevoked, pickup.RefusedKey},
		{parcel.ErrReturnTruncated, pickup.RefusedCutOff},
	} {
		if errors.Is(err, known.err) {
			return &pickup.Refusal{Reason: known.reason}
		}
	}
	return &pickup.Refusal{Reason: pickup.RefusedOther}
}
