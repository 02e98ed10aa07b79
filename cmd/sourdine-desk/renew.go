package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/visible"
	"sourdine/journalist-ui/witness"
)

func renewCommand() *cobra.Command {
	var f deskFlags
	var channel string
	var yes bool
	cmd := &cobra.Command{
		Use:   "renew --home DIR --passphrase-file F [--channel NAME]",
		Short: "let the reviewers of now read what came before",
		Long: `renew makes new envelopes for the submissions here that came when their channel
had other reviewers: whoever joined since can then read them too, and the server
has no envelope any more for whoever left. The files themselves stay as they are.
It says who will be able to read before it does anything, and asks.

The new envelopes go with the next return parcel. Reviewers whose certificate has
expired are left out. What is doubtful here, or to be deleted, stays as it is.`,
		Example: "  sourdine-desk renew --home ~/desk --passphrase-file pass.txt --channel Nice",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.open(cmd, func(ctx context.Context, d *desk.Desk) error {
				renewals, err := d.Renewals(ctx, channel)
				if err != nil {
					return err
				}
				if len(renewals) == 0 {
					fmt.Fprintln(cmd.ErrOrStderr(), "nothing is to be done: what is here is sealed to the reviewers of now, or will be with the next return parcel")
				}
				return renewEach(cmd, d, renewals, yes)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&channel, "channel", "", "of one channel only")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// renewEach goes on with the next channel when one cannot be done.
func renewEach(cmd *cobra.Command, d *desk.Desk, renewals []desk.Renewal, yes bool) error {
	w, wrong := cmd.ErrOrStderr(), false
	for _, r := range renewals {
		tellRenewal(w, r)
		wrong = wrong || r.Problem != nil && !errors.Is(r.Problem, desk.ErrNotReader)
		if r.Problem != nil || len(r.IDs) == 0 {
			continue
		}
		if !yes {
			left := fmt.Sprintf("channel %s is left as it is", visible.Line(r.Channel))
			if err := confirm(cmd, "type yes to seal them anew to these reviewers: ", left); err != nil {
				return err
			}
		}
		done, err := d.Renew(cmd.Context(), r)
		tellRenewed(w, done)
		if err != nil {
			return err
		}
		wrong = wrong || len(done.Failed) > 0
	}
	if wrong {
		return cli.Failure{Err: errors.New("not everything could be sealed anew"), Code: exitFindings, Hint: "the lines above say why"}
	}
	return nil
}

func tellRenewal(w io.Writer, r desk.Renewal) {
	channel := visible.Line(r.Channel)
	var refused *witness.Refused
	switch {
	case errors.As(r.Problem, &refused):
		tellFindings(w, []witness.Finding{refused.Finding})
		return
	case errors.Is(r.Problem, desk.ErrNotReader):
		fmt.Fprintf(w, "note: channel %s: %v\n", channel, r.Problem)
		return
	case r.Problem != nil:
		fmt.Fprintf(w, "wrong: channel %s: %v\n", channel, r.Problem)
		return
	}
	if r.Doubtful > 0 {
		fmt.Fprintf(w, "channel %s: %d doubtful submissions stay sealed as they are\n", channel, r.Doubtful)
	}
	if len(r.IDs) == 0 {
		return
	}
	fmt.Fprintf(w, "channel %s: %d submissions here were sealed to an earlier roster; these reviewers will be able to read them:\n", channel, len(r.IDs))
	printTable(w, "  ", readerRows(r.Readers))
	if len(r.LeftOut) > 0 {
		fmt.Fprintln(w, "these not, because their certificate has expired:")
		printTable(w, "  ", readerRows(r.LeftOut))
	}
	for _, reader := range r.Readers {
		if reader.OldForm {
			fmt.Fprintf(w, "note: the certificate of %s is of an older form: programs like GnuPG 2 cannot open what came before it joined\n", visible.Line(reader.Name))
		}
	}
}

func readerRows(readers []desk.Reader) [][]string {
	var rows [][]string
	for _, r := range readers {
		rows = append(rows, []string{visible.Line(r.Name), "since " + visible.Line(r.Since), r.Fingerprint})
	}
	return rows
}

func tellRenewed(w io.Writer, done desk.Renewed) {
	for _, id := range slices.Sorted(maps.Keys(done.Failed)) {
		fmt.Fprintf(w, "wrong: %s: it stays as it is: %s\n", id, done.Failed[id])
	}
	if done.Made > 0 {
		fmt.Fprintf(w, "%d new envelopes go with the next return parcel: sourdine-desk return\n", done.Made)
	}
}

// tellOutdated says, when an import told of changed rosters, that something can
// be done for the new reviewers.
func tellOutdated(ctx context.Context, w io.Writer, d *desk.Desk, events []witness.Event) error {
	changed := func(e witness.Event) bool {
		return e.Kind == witness.ReviewerAdded || e.Kind == witness.ReviewerRemoved
	}
	if !slices.ContainsFunc(events, changed) {
		return nil
	}
	renewals, err := d.Renewals(ctx, "")
	for _, r := range renewals {
		if len(r.IDs) > 0 && r.Problem == nil {
			fmt.Fprintf(w, "channel %s: %d submissions here are sealed to an earlier roster; for the reviewers of now: sourdine-desk renew\n",
				visible.Line(r.Channel), len(r.IDs))
		}
	}
	if errors.Is(err, desk.ErrNoVault) {
		return nil
	}
	return err
}
