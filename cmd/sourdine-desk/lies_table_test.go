package main

import (
	"slices"

	"sourdine/journalist-ui/desk"
	"sourdine/journalist-ui/desk/desktest"
	"sourdine/journalist-ui/witness"
)

// A lie is what a server does to a parcel, and what the desk makes of it.
type lie struct {
	name    string
	tell    func(*scene, *desktest.Forgery)
	arrives arrival
	kind    witness.Kind
	says    []string // what the command line calls wrong, or a note; a submission stands there by its message
	fr, en  string   // on the page
	taken   []string // what is at the desk afterwards, in no doubt
	apart   []string // what is kept apart
}

// An arrival is how the lie comes, and after what.
type arrival string

const (
	alone    arrival = "the lie is the first parcel"
	afterOld arrival = "an older honest parcel came before"
	replayed arrival = "the lie is an older parcel, the honest one came before"
	later    arrival = "the honest parcel came before"
	compared arrival = "the honest parcel came here, the lie to another desk, and they compare checkpoints"
)

var everything = []string{this, late, gnupg, sound, other}

func but(messages ...string) []string {
	return slices.DeleteFunc(slices.Clone(everything), func(m string) bool { return slices.Contains(messages, m) })
}

// lieTable is the malicious server: a lie in each row.
func lieTable() []lie {
	return slices.Concat(liesAboutSubmissions(), liesByLeavingOut(), liesByCutting(), liesBeforeTheLog(), liesAboutTheLog(), liesAboutDeletions())
}

func liesAboutSubmissions() []lie {
	return []lie{
		{"a submission is dropped", (*scene).dropThis, alone, witness.Dropped,
			[]string{"celui-ci: the log accepted it for you, and the server neither delivers it nor says who deleted it"},
			"Le journal l’a accepté pour vous, et le serveur ne le livre pas, ni ne dit qui l’a supprimé.",
			"The log accepted it for you, and the server neither delivers it nor says who deleted it.",
			but(this), nil},
		{"two payloads of a submission are swapped", (*scene).swapWithin, alone, witness.PayloadsSwapped,
			[]string{"celui-ci: its files are in another order than the vault accepted them"},
			"Ses fichiers sont dans un autre ordre que celui que le serveur avait accepté. Ne vous fiez pas à ce que son manifeste dit de chacun : ils ont été intervertis.",
			"Its files are in another order than the vault accepted them. Do not rely on what its manifest says of each: they were swapped.",
			but(this), []string{this}},
		{"payloads of two submissions are swapped", (*scene).swapBetween, alone, witness.PayloadOfAnother,
			[]string{"celui-ci: one of its files is another submission's (file 1)", "un autre: one of its files is another submission's (file 1)"},
			"Un de ses fichiers est celui d’un autre envoi. Ne vous fiez pas à ce fichier : le serveur l’a pris là-bas.",
			"One of its files is another submission’s. Do not rely on that file: the server took it from there.",
			but(this, other), []string{this, other}},
		{"a payload stands for another one", (*scene).exchange, alone, witness.PayloadDiffers,
			[]string{"celui-ci: one of its files is another one than the vault accepted (file 2)"},
			"Un de ses fichiers n’est pas celui que le serveur avait accepté. Ne vous fiez pas à ce fichier : il a été échangé.",
			"One of its files is another one than the vault accepted. Do not rely on that file: it was exchanged.",
			but(this), []string{this}},
		{"a recipient is added", (*scene).addRecipient, alone, witness.RecipientAdded,
			[]string{"celui-ci: its envelope can be opened with a key that is on no roster"},
			"Son enveloppe s’ouvre avec une clé qui n’est sur aucune liste. Quelqu’un qui n’est ni relectrice ni relecteur peut le lire :",
			"Its envelope can be opened with a key that is on no roster. Somebody who is no reviewer may read it:",
			but(this), []string{this}},
		{"a recipient is added to what is here", (*scene).addRecipient, later, witness.RecipientAdded,
			[]string{"celui-ci: its envelope can be opened with a key that is on no roster"},
			"Son enveloppe s’ouvre avec une clé qui n’est sur aucune liste.",
			"Its envelope can be opened with a key that is on no roster.",
			everything, nil},
		{"a recipient is added without a name", (*scene).hideRecipient, alone, witness.RecipientHidden,
			[]string{"celui-ci: its envelope can be opened with a key that it does not name"},
			"Son enveloppe s’ouvre avec une clé qu’elle ne nomme pas.",
			"Its envelope can be opened with a key that it does not name.",
			but(this), []string{this}},
	}
}

func liesByLeavingOut() []lie {
	const (
		skipped = "it is in the log, and belongs to a part of the server's parcels that did not come"
		awaited = "note: celui-ci: it is in the log and did not come yet"
	)
	return []lie{
		{"a submission is dropped, and promised", (*scene).promiseMore, alone, witness.Dropped,
			[]string{"celui-ci: the log accepted it for you, and the server neither delivers it nor says who deleted it"},
			"Le journal l’a accepté pour vous, et le serveur ne le livre pas, ni ne dit qui l’a supprimé.",
			"The log accepted it for you, and the server neither delivers it nor says who deleted it.",
			but(this), nil},
		{"the parcels begin behind all that there is", (*scene).beginLater, alone, witness.PartSkipped,
			[]string{"celui-ci: " + skipped, "nouveau: " + skipped, "par GnuPG: " + skipped, "sain: " + skipped, "un autre: " + skipped},
			"Il est dans le journal, dans une partie des colis du serveur qui n’est pas arrivée.",
			"It is in the log, and belongs to a part of the server’s parcels that did not come.",
			nil, nil},
		{"a submission is dropped from a parcel for another reviewer", (*scene).forAnother, alone, witness.OtherReviewer,
			[]string{"note: the parcel is for another reviewer: nothing tells whether the server keeps back what is for you", awaited},
			"Ce colis est pour quelqu’un d’autre : rien ne dit si le serveur garde pour lui ce qui est pour vous.",
			"The parcel is for another reviewer: nothing tells whether the server keeps back what is for you.",
			but(this), nil},
	}
}

// cuts are at the edge of an AEAD chunk, or of a CFB block, where all that is left
// is authentic. Package unseal's tests cut everywhere else.
func cuts() []struct{ message, place string } {
	return []struct{ message, place string }{
		{this, "after the second chunk"}, {this, "before the tag over the whole"}, {this, "the last chunk taken out"},
		{gnupg, "at a block"}, {gnupg, "before the digest"},
	}
}

func liesByCutting() []lie {
	var all []lie
	for _, c := range cuts() {
		all = append(all, lie{"the payload of " + c.message + " is cut " + c.place, cut(c.message, c.place), alone, desk.PayloadCut,
			[]string{c.message + ": one of its files was cut off or altered after the vault accepted it (file 1)"},
			"Un de ses fichiers a été coupé ou altéré après que le serveur l’a accepté. Ne vous fiez pas à ce fichier,",
			"One of its files was cut off or altered after the vault accepted it. Do not rely on that file,",
			but(c.message), []string{c.message}})
	}
	return all
}

// liesBeforeTheLog are of a server that alters what came before it writes its log,
// which then agrees.
func liesBeforeTheLog() []lie {
	const (
		damaged   = "one of its files does not open: it was cut off or altered before the vault logged it"
		damagedFR = "Un de ses fichiers ne s’ouvre pas : il a été coupé ou altéré avant que le serveur ne l’inscrive au journal."
		damagedEN = "One of its files does not open: it was cut off or altered before the vault logged it."
		differs   = "celui-ci: one of its files is not the one that its manifest describes: it was exchanged before the vault logged it"
	)
	altered := func(name string, tell func(*scene, *desktest.Forgery), says string, apart ...string) lie {
		var all []string
		for _, message := range apart {
			all = append(all, message+": "+damaged+says)
		}
		return lie{"before the log: " + name, agreed(tell), alone, desk.ItemDamaged, all, damagedFR, damagedEN, but(apart...), apart}
	}
	all := []lie{
		altered("payloads of two submissions are swapped", (*scene).swapBetween, " (file 1)", this, other),
		altered("the manifest is cut", (*scene).cutManifest, " (the manifest)", this),
		{"before the log: two payloads of a submission are swapped", agreed((*scene).swapWithin), alone, desk.ItemDiffers,
			[]string{differs + " (file 1)", differs + " (file 2)"},
			"Un de ses fichiers n’est pas celui que décrit son manifeste : il a été échangé avant que le serveur ne l’inscrive au journal.",
			"One of its files is not the one that its manifest describes: it was exchanged before the vault logged it.",
			but(this), []string{this}},
		{"an envelope names whom it should, and does not open", (*scene).spoilEnvelope, alone, desk.EnvelopeUnopened,
			[]string{"celui-ci: its envelope names you and does not open with your key"},
			"Son enveloppe vous nomme et ne s’ouvre pas avec votre clé.",
			"Its envelope names you and does not open with your key.",
			but(this), []string{this}},
	}
	for _, c := range cuts() {
		all = append(all, altered("the payload of "+c.message+" is cut "+c.place, cut(c.message, c.place), " (file 1)", c.message))
	}
	return all
}

func liesAboutTheLog() []lie {
	const (
		few    = "the parcel brings fewer leaves than its checkpoint counts"
		fork   = "the vault signed two logs that contradict each other"
		forkFR = "Le serveur a signé deux journaux qui se contredisent. Il a montré des choses différentes à des personnes différentes, ou"
		forkEN = "The vault signed two logs that contradict each other. It showed different people different things, or"
	)
	return []lie{
		{"an old parcel is replayed", (*scene).nothing, replayed, witness.Rollback,
			[]string{"the parcel's log is an earlier state of the one that this desk has seen (13 here, 12 there)"},
			"Le journal de ce colis est un état plus ancien que celui que ce bureau a vu.",
			"The parcel’s log is an earlier state of the one that this desk has seen.",
			everything, nil},
		{"leaves are left out", (*scene).lackLeaves, alone, witness.LeavesTooFew,
			[]string{few, "celui-ci: " + few, "nouveau: " + few, "par GnuPG: " + few, "sain: " + few, "un autre: " + few},
			"Ce colis apporte moins d’entrées que son point de contrôle n’en compte.",
			"The parcel brings fewer leaves than its checkpoint counts.",
			nil, everything},
		{"the log is forked for two desks", (*scene).hide, compared, witness.Fork,
			[]string{fork + " (13 here, 12 there)"}, forkFR, forkEN, everything, nil},
		{"the log is forked for one desk", (*scene).hide, afterOld, witness.Fork,
			[]string{fork + " (12 here, 12 there)", "nouveau: " + fork, "par GnuPG: " + fork, "sain: " + fork, "un autre: " + fork}, forkFR, forkEN, but(late), []string{late}},
	}
}

func liesAboutDeletions() []lie {
	return []lie{
		{"a deletion that nobody ordered", (*scene).deleteUnordered, alone, witness.OrderMissing,
			[]string{"celui-ci: the log says that a reviewer deleted it, and the order is nowhere"},
			"Le journal dit que quelqu’un l’a supprimé, et l’ordre n’est nulle part. Demandez à cette personne si c’est vrai.",
			"The log says that a reviewer deleted it, and the order is nowhere. Ask that reviewer whether it is so.",
			but(this), nil},
		{"a deletion by the order for another one", (*scene).deleteByAnother, alone, witness.OrderElsewhere,
			[]string{"celui-ci: it was deleted by an order that does not name it"},
			"Il a été supprimé par un ordre qui ne le nomme pas. Le serveur s’est servi d’un ordre pour autre chose :",
			"It was deleted by an order that does not name it. The server used an order for something else:",
			but(this), nil},
		{"an order whose signature was altered", (*scene).alterOrder, alone, witness.OrderSignature,
			[]string{"supprimé: the order that it was deleted by has a bad signature"},
			"L’ordre par lequel il a été supprimé a une mauvaise signature.",
			"The order that it was deleted by has a bad signature.",
			everything, nil},
		{"a deletion as read, of what was not", (*scene).deleteUnread, alone, witness.RetentionUnacknowledged,
			[]string{"celui-ci: it was deleted as acknowledged by all reviewers, and you never acknowledged it"},
			"Il a été supprimé comme confirmé par tout le monde, et vous ne l’avez jamais confirmé.",
			"It was deleted as acknowledged by all reviewers, and you never acknowledged it.",
			but(this), nil},
		{"a deletion by a limit that is not", (*scene).deleteByNoLimit, alone, witness.LimitNone,
			[]string{"celui-ci: it was deleted by a limit that its channel does not have"},
			"Il a été supprimé par une limite que son canal n’a pas.",
			"It was deleted by a limit that its channel does not have.",
			but(this), nil},
		{"a deletion by a limit, under a day that has not come", (*scene).deleteAhead, alone, witness.LeafAhead,
			[]string{"the log has something under a day that has not come by this machine's clock",
				"par GnuPG: it was deleted by its channel's limit before its time was over"},
			"Le journal date quelque chose d’un jour qui n’est pas venu selon l’horloge de cette machine.",
			"The log has something under a day that has not come by this machine’s clock.",
			but(gnupg), nil},
	}
}
