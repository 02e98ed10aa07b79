package seal_test

import (
	"io"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// dsaElGamal is a certificate of the kind that GnuPG made for ten years. No
// program here can generate one any more.
func dsaElGamal(t testing.TB) []byte {
	t.Helper()
	block, err := armor.Decode(strings.NewReader(dsaElGamalArmored))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(block.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const dsaElGamalArmored = `
-----BEGIN PGP PUBLIC KEY BLOCK-----

mQMuBGsCAYMRCADLP8WVA8BJR2T9s2ebYpiA1AXNnWxzT2biiLSU3tYrw+CHs5Bv
f6tbM/yxbp6L+uuwsMq/8xUEvDLKaykRuXyTucqYlqnWJMFgvveUXYioOazkUkDf
UD8p6Hia1IasVnz4ZGnoqUZhtxSfOLwPr5dtcj0ihj5p26zZ95ZDof3Tz8uI84fH
/fvOsCc1QVlKpXnckvjcYM1qWYiUOIPRIiuBSYKz9EV/jhx//oFQ+EdnRFIwvdoL
+269Qfx+VjT+7H3/lS5DP2CAoD0oVIAmEdRMZ747S2n1cyU7xHJWoG5p0InZiPUe
fL6+KVgr6JGQhiv6ZSOm9BwitcLXrp2GH2lLAQDKFazvgnova0sz3fLuTR/AdO3J
fEFv5obUURlL1H2g0Qf/W+apgP3bsHqVjaROvLqF7C6/9lMlAUZnSi8Ee7a6l+20
LIoAMJY/Yy6/ZruK3hOrAFfmEiUVCK7AvEgdYa8w45+Zhub6xBa5Eqz0wVmQw9/8
wOFheXGYxJocASD8vRbYKQdw/yGkYjXx2RezD0izdI59Xgf5SHDYK1vQW+NtqrdQ
9/q9sa0iP7vaSA9A+RpWm54NRFambMbLKmtdfMHGaVZzfK81fygbERL2LB8kf1JO
JfUBeY4s5t2tPTBTP1Sk3E8hmRMdRPu0jl8/alhk1cddJBMzuqMnp0s/XmvngJkG
bWkDin2/Hj9sjmKIMH1zW+70v5UaN3xDcAOZxGEtWAgAyKSmB1/vvFi4Qg5B2wi6
YmOjXDNlUisUk4gJEuCVtLy9OIuzhoHTWtoabMrhquJHStFQt6ax4trcxKl4CdYa
cQvuIga1m2l11rckujUpS6L5PaUn4lAOs0CDletlaagTMmfZXsJAfHRiC6YnEUBP
NIAm7H48e8MFxy8+1v/bjAMtYssmrKTSoowGa6YJjwHHnE6CRgTo/kyoKhcAwPdX
ilGDIp+9aLlKDlXJMZyn5Hfmq8lDw/UFTVAOrabJEMZM9A67mPqRa2fwq6Uha/Uf
5X7U3aN49PDuarkxZSQ8zjRV4TzFBVpREaxvJmd4hTvBqifTPzBw6IZdj+cOank/
l7QIcmV2aWV3ZXKIkAQTEQgAOBYhBO9gRlLHcMWLcMVLZpWtc7vZnH1gBQJrAgGD
AhsjBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEJWtc7vZnH1gPi8BAJZzBozf
eivfC0xY7Uhg4WjedQmEKxDJKfBxAGe5EejbAP4+52Q9fMCM46MImK9VPzJdgoqU
1iBHdex361Ow5S9H/bkCDQRrAgGDEAgA1TbmKuGJtPxhjA1Nwn/lrGe1fPBmGEVh
8itOY1z36p29f8Ny9Wr+cIc96CAgYrL0u9IvjIUjk1fBd5Cpm7gEL4KFzhM4nVCf
s7eiyyxdTiT5TrZytU4czBz+UJqFcir/YMRtl/ZR4m3dJkxMe3PODQDZAFQOqq6c
YLEDIlmqbcoQSvYuNIsQdE1V9D6tLJGvWebwFijX+CFXkCNhIx/qOiVkQ3Nazv+j
V+Y7k21zUhiVU+DU7sspZqWGhpZZtS2j+5XFzRM/9bf5oOkVKeBy+eoqFCoyWXkY
rPpRQgcjkTYzNZC5TPmEc2PLTm9M8b6QgnXUINgn/RHcryEOsQ625wAECwf/TQGm
CTATa52bJNrAHdnSn+I5mIxhC769DGfqsJoiKHRckHkAvtP8tk/C7r6LhcNlG/Zx
0PLdwPCuugI7IDVg7CAlWy9psjBBdJ0LWNp08F5ExFz8PeU/Ju3fZf4Qi3fVsM7d
dnbp85DJ6pZz59ose4Fez39PSF3JSCPtGWcIH0RUb0g1puRebCpKUl7d74H1jBhp
5YkeHPcdKLPNwXIz1zQzWfmJ2exZKd3W1imnNvin2CFntBYhBjSp+w/Kfzwkv9+y
pdJK3o2GrDKB8GW/yebFrZgkkKu3yZlKNrfPUWItR3bhk/wTBtBtDdvkvcy2514W
4Gfdz1xElSlbrA13Ooh4BBgRCAAgFiEE72BGUsdwxYtwxUtmla1zu9mcfWAFAmsC
AYMCGwwACgkQla1zu9mcfWDgzAEAhKXzUO+PkdaqRA7m+iN/u+plYUxA9WMXveGh
AVSprTUBAKcRRFK4Qrn3u/0Gsz5Hwg8d1JTS31F4YrYlG/hLjijD
=B1hU
-----END PGP PUBLIC KEY BLOCK-----
`
