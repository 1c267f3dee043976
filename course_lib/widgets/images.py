"""Small grey images that explorers start from: rows of values, white 1 and black 0."""

import base64
import math
import zlib

Image = list[list[float]]


def edges() -> Image:
    """Return the 6 × 8 image of :doc:`/book/image-convolution`: a black band on white.

    >>> edges()[0]
    [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    """
    return [[1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0] for _ in range(6)]


# The first training image of Fashion-MNIST (Zalando SE, MIT licence), compressed.
_BOOT = (
    b"c-pm+KWGzS7{<SvP(dn!OD88C6goJF|G=UZp;Zdv<ltn%!Qvz$wnM-"
    b"{Tm*G+&_WT#R*f{ZrXhOqa@XWM(z_)0FZb{J?z<#+A&IGtHYw^7a~ayiS>NU3eSh#gJP#iL|9AQT"
    b"*ge*M{GFw*hxx#P`+?!39`O0SwQKspH7<1T;q;)l4D9+#^;s?ResbpdjnjkUcSra1*qzH@L(^Ua?"
    b"o2&?a5*@#P1@#cxm<BER+X25>4e)W8Odwd`C7Cs8{y`=UPd{F!hDcLNx^U<)#c^`116M>`0HZUu;"
    b"oHhIMSV9qG3T}l|iav!RGC`<6Ed5_E^m+IrXw);Hs_*S3EI)|IQs9yjIY$Wm-tXu4=T#x0@M$#5o"
    b"xS8Cl7&v8mdP+0J?I(51<k11-J4@>0pJhKS!kE8kQAPJGJR$j)-"
    b"PtiaATsWfi2P!&nAya{|M$3~Kr<9Qy|FFt9xh<HkhoM1V5aJ9mSmg`o3L0Z+npBcM;Yu-"
    b"evj<N0TyTHjD#Y=fDnoKiFeWlo3$A&Ce5S7jzUX9R7GWwa0r*bBOwY>Hv{V}{44D;!mV9KPH-bNC"
    b"fsAMFOP0-{D$;3l5bBkg-"
    b"{P~znE(90CQ6ffA3@3=9L=bdbdjq^iMp$cY{m14;13`*hT3!x^Ud>OO+-"
    b"mdSsiDzB`~T5@{R75IDdz"
)


def boot() -> Image:
    """Return a 28 × 28 ankle boot, white on black, the first of Fashion-MNIST.

    >>> image = boot()
    >>> len(image), len(image[0]), max(map(max, image))
    (28, 28, 1.0)
    """
    pixels = zlib.decompress(base64.b85decode(_BOOT))
    return [
        [round(pixel / 255, 3) for pixel in pixels[28 * row : 28 * row + 28]]
        for row in range(28)
    ]


def landscape() -> Image:
    """Return a 24 × 32 scene: a sky that darkens upwards, a sun, a hill, a house.

    Smooth shades, a curve, straight edges and fine texture in one picture show more
    of a kernel than a photograph this small would.

    >>> image = landscape()
    >>> len(image), len(image[0])
    (24, 32)
    """
    return [[round(_shade(r, c), 3) for c in range(32)] for r in range(24)]


def _shade(r: int, c: int) -> float:
    hill = 15.5 - 3.5 * math.sin((c + 2) / 31 * math.pi)
    if 9 <= r <= 13 and abs(c - 21.5) <= r - 8.5:  # roof
        return 0.2
    if 14 <= r <= 20 and 18 <= c <= 25:  # walls, a window, a door
        if 15 <= r <= 16 and 19 <= c <= 20:
            return 0.15
        return 0.3 if r >= 17 and 22 <= c <= 23 else 0.85
    if r > hill:  # meadow with mown stripes
        return 0.42 + 0.07 * ((r + c // 2) % 2) - 0.008 * (r - 12)
    sun = math.hypot(r - 5, c - 6.5)
    if sun <= 3.2:
        return 1.0
    return 0.5 + 0.016 * r + 0.25 * math.exp(-(sun - 3.2) / 3)
