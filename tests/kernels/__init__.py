"""Tests of the kernel library.

`calls` makes a call and observes what comes of it. Each family has a *book*, a module of the name of its file in
`kernels`: for every kernel its `Manners` (`manners`), that is which calls reach its variants, which calls it may meet,
whose place it takes. `books` joins them. The tests of all kernels (`test_numbers`, `test_semantics`, `test_fallback`)
read nothing else; `test_<family>` holds what is true of one family alone.
"""
