package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/vault/admin"
	"sourdine/vault/order"
)

func parcelApplyCommand() *cobra.Command {
	var home string
	cmd := &cobra.Command{
		Use:   "apply --home DIR FILE",
		Short: "apply a desk's return parcel",
		Long: `apply does what a reviewer signed in a return parcel: acknowledgements, marks,
replies, new envelopes, deletions. It is all done at once or not at all, and a
parcel counts once: the same file again changes nothing. A parcel that is
altered, for another server, or not the next of its desk is refused as a whole.
What this reviewer may not do is refused alone, listed, and makes the exit code 7.

The next parcel for that reviewer carries the signed receipt.`,
		Example: "  sourdine parcel apply --home /var/lib/sourdine /media/stick/return.tar",
		Args:    cli.Args("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return unreadable("parcel", err)
			}
			defer f.Close()
			return withAdmin(home, func(a admin.Admin) error {
				receipt, err := a.ApplyParcel(cmd.Context(), f)
				if err != nil {
					return err
				}
				printReceipt(cmd.OutOrStdout(), receipt)
				if receipt.Note.Done.Refused > 0 {
					return cli.Failure{Err: errors.New("a part of the return parcel was refused"), Code: exitPartly,
						Hint: "the reviewer's next parcel says the same; what is missing must be ordered again, by someone who may"}
				}
				return nil
			})
		},
	}
	addHome(cmd, &home)
	return cmd
}

// printReceipt says in plain sentences what became of a return parcel.
func printReceipt(w io.Writer, r admin.Receipt) {
	done := r.Note.Done
	fmt.Fprintf(w, "return parcel %d of %s %s\n", r.Note.Sequence, r.Note.Reviewer, r.Name)
	if r.Again {
		fmt.Fprintln(w, "it was applied before, and changed nothing now; this is what it did then")
	}
	for _, line := range []struct {
		n         int
		one, many string
	}{
		{done.Acknowledged, "submission acknowledged", "submissions acknowledged"},
		{done.Opened, "submission marked as opened", "submissions marked as opened"},
		{done.Replies, "reply waits for its source", "replies wait for their sources"},
		{done.Envelopes, "new envelope", "new envelopes"},
		{done.Deleted, "submission deleted", "submissions deleted"},
		{done.Refused, "thing refused", "things refused"},
	} {
		if line.n == 0 {
			continue
		}
		fmt.Fprintf(w, "%d %s\n", line.n, map[bool]string{true: line.one, false: line.many}[line.n == 1])
	}
	for _, refusal := range done.Refusals {
		fmt.Fprintf(w, "  refused: %s %s: %s\n", listText[refusal.List], refusal.ID, reasonText[refusal.Reason])
	}
	if more := done.Refused - len(done.Refusals); more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}

var listText = map[order.List]string{
	order.ListAcknowledged: "to acknowledge", order.ListOpened: "to mark as opened", order.ListDeletions: "to delete",
	order.ListReplies: "reply", order.ListEnvelopes: "new envelope for",
}

var reasonText = map[order.Reason]string{
	order.ReasonUnknown:    "there is and was none",
	order.ReasonRole:       "the reviewer is not on the roster of its channel",
	order.ReasonChannel:    "it is in another channel than the order says",
	order.ReasonDeleted:    "it was deleted before",
	order.ReasonEpoch:      "the envelope is not for the channel's current roster",
	order.ReasonRenewed:    "it has an envelope for the channel's current roster already",
	order.ReasonRecipients: "the envelope names others than the channel's roster",
	order.ReasonForm:       "it is not what OpenPGP makes",
	order.ReasonFull:       "the mailbox holds as many replies as it may",
	order.ReasonDamaged:    "something of it is damaged in the vault: see sourdine vault verify",
}
