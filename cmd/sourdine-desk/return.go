package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sourdine/cmd/internal/cli"
	"sourdine/journalist-ui/desk"
	"sourdine/vault/order"
)

func returnCommand() *cobra.Command {
	var f deskFlags
	var output string
	cmd := &cobra.Command{
		Use:   "return --home DIR --passphrase-file F -o FILE",
		Short: "write the parcel that goes back to the server",
		Long: `return writes what this desk has to tell the server, signed with your key: which
submissions are here and sound, which were opened, your replies, what is to be
deleted, and the new envelopes that renew made. Carry it to the pickup site.

Until a parcel from the server answers it, return writes the same one again,
byte by byte: one that was lost on the way can be carried again. What you ask for
meanwhile goes into the next one.`,
		Example: "  sourdine-desk return --home ~/desk --passphrase-file pass.txt -o /media/usb/return.tar",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.openToSign(cmd, func(ctx context.Context, d *desk.Desk, passphrase []byte) error {
				p, err := d.PrepareReturn(ctx, passphrase)
				if err != nil {
					return err
				}
				if err := p.Save(ctx, output); err != nil {
					return err
				}
				tellReturn(cmd.ErrOrStderr(), p)
				return waitsForWords(cmd.ErrOrStderr(), d)
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "the new file (required)")
	_ = cmd.MarkFlagRequired("output") // fails only for a flag that is not there
	return cmd
}

func tellReturn(w io.Writer, p *desk.ReturnParcel) {
	if p.Again {
		fmt.Fprintln(w, "this one was signed before, and the server has not answered it yet: it is the same again")
	}
	fmt.Fprintf(w, "return parcel %d: %d acknowledged, %d opened, %d to delete, %d replies, %d new envelopes\n",
		p.Sequence, p.Acknowledged, p.Opened, p.Deletions, p.Replies, p.Envelopes)
}

// tellReceipt says what the server did with a return parcel.
func tellReceipt(w io.Writer, a order.Applied) {
	fmt.Fprintf(w, "the server applied return parcel %d: %d acknowledged, %d opened, %d deleted, %d replies, %d envelopes, %d refused\n",
		a.Sequence, a.Done.Acknowledged, a.Done.Opened, a.Done.Deleted, a.Done.Replies, a.Done.Envelopes, a.Done.Refused)
	for _, r := range a.Done.Refusals {
		what := "submission " + r.ID
		if r.List == order.ListReplies {
			what = "reply " + r.ID
		}
		fmt.Fprintf(w, "refused by the server: %s (%s): %s\n", what, r.List, sayRefusal(r.Reason))
	}
}

func sayRefusal(r order.Reason) string {
	switch r {
	case order.ReasonUnknown:
		return "it has and had no such submission or mailbox"
	case order.ReasonRole:
		return "you are not on the roster of its channel"
	case order.ReasonChannel:
		return "it is in another channel than this desk believes"
	case order.ReasonDeleted:
		return "it was deleted before"
	case order.ReasonEpoch, order.ReasonRecipients:
		return "the envelope is not for the channel's reviewers of now"
	case order.ReasonRenewed:
		return "it has an envelope for the channel's reviewers of now already"
	case order.ReasonForm:
		return "it is not in the form that the server takes"
	case order.ReasonFull:
		return "the mailbox holds as many replies as it may"
	case order.ReasonDamaged:
		return "it is damaged at the server: tell the admin"
	}
	return string(r)
}
