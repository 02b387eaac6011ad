// objc_msgSend for x86-64 System V: eleven instructions from message to method, and a count of
// messages per thread for the tests. rax (vector registers of a variadic call), all argument
// registers and the stack are the method's; r10 and r11 are ours.
#if defined(__x86_64__)

        .text

// \self: the register that holds the receiver; \sel: its selector's.
.macro COUNT
        movq    metal_sim_thread_messages@GOTTPOFF(%rip), %r10
        incq    %fs:(%r10)              // starts at -1: zero means that nobody knows this thread yet
.endm

// Saves every argument register around a call of a C function; \body finds them at these places.
.macro SAVE
        pushq   %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        subq    $192, %rsp
        movq    %rdi, -8(%rbp)
        movq    %rsi, -16(%rbp)
        movq    %rdx, -24(%rbp)
        movq    %rcx, -32(%rbp)
        movq    %r8, -40(%rbp)
        movq    %r9, -48(%rbp)
        movq    %rax, -56(%rbp)
        movups  %xmm0, -80(%rbp)
        movups  %xmm1, -96(%rbp)
        movups  %xmm2, -112(%rbp)
        movups  %xmm3, -128(%rbp)
        movups  %xmm4, -144(%rbp)
        movups  %xmm5, -160(%rbp)
        movups  %xmm6, -176(%rbp)
        movups  %xmm7, -192(%rbp)
.endm

.macro RESTORE
        movq    -8(%rbp), %rdi
        movq    -16(%rbp), %rsi
        movq    -24(%rbp), %rdx
        movq    -32(%rbp), %rcx
        movq    -40(%rbp), %r8
        movq    -48(%rbp), %r9
        movq    -56(%rbp), %rax
        movups  -80(%rbp), %xmm0
        movups  -96(%rbp), %xmm1
        movups  -112(%rbp), %xmm2
        movups  -128(%rbp), %xmm3
        movups  -144(%rbp), %xmm4
        movups  -160(%rbp), %xmm5
        movups  -176(%rbp), %xmm6
        movups  -192(%rbp), %xmm7
        leave
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
.endm

// From \class in r10 to the method.
.macro FIND sel, miss
        movl    -4(\sel), %r11d         // the selector's number
        movq    16(%r10), %r10          // the class's table
        movq    (%r10, %r11, 8), %r11
        testq   %r11, %r11
        jz      \miss
        jmpq    *%r11
.endm

.macro BEGIN name
        .globl  \name
        .type   \name, @function
        .p2align 5
\name:
        .cfi_startproc
.endm

.macro END name
        .cfi_endproc
        .size   \name, .-\name
.endm

// A miss: \self and \sel are registers, \slot and \selslot where SAVE put them. r12 would have to be
// saved; the class is read again from the receiver instead.
.macro MISS slot, selslot
        SAVE
        leaq    \slot(%rbp), %rsi
        movq    (%rsi), %rdi
        movq    (%rdi), %rdi            // isa
        movq    \selslot(%rbp), %rdx
        call    metal_sim_objc_miss
        movq    %rax, %r11
        RESTORE
        jmpq    *%r11
.endm

.macro NEW_THREAD back
        SAVE
        call    metal_sim_new_thread
        RESTORE
        jmp     \back
.endm

BEGIN objc_msgSend
        testq   %rdi, %rdi
        jz      .Lnil
        COUNT
        jz      .Lthread
.Lsend: movq    (%rdi), %r10
        FIND    %rsi, .Lmiss
.Lnil:  xorl    %eax, %eax
        xorl    %edx, %edx
        xorps   %xmm0, %xmm0
        xorps   %xmm1, %xmm1
        ret
.Lthread:
        NEW_THREAD .Lsend
.Lmiss: MISS    -8, -16
END objc_msgSend

// As Apple's: the same, but nil gives a long double (or two of them) that is zero.
BEGIN objc_msgSend_fpret
        testq   %rdi, %rdi
        jnz     objc_msgSend
        fldz
        xorl    %eax, %eax
        xorps   %xmm0, %xmm0
        ret
END objc_msgSend_fpret

BEGIN objc_msgSend_fp2ret
        testq   %rdi, %rdi
        jnz     objc_msgSend
        fldz
        fldz
        ret
END objc_msgSend_fp2ret

// A result in memory: rdi is its place, so everything else stands one register later.
BEGIN objc_msgSend_stret
        testq   %rsi, %rsi
        jz      .Lsnil
        COUNT
        jz      .Lsthread
.Lssend: movq   (%rsi), %r10
        FIND    %rdx, .Lsmiss
.Lsnil: movq    %rdi, %rax
        ret
.Lsthread:
        NEW_THREAD .Lssend
.Lsmiss: MISS   -16, -24
END objc_msgSend_stret

// struct objc_super {receiver, class}: the receiver takes the argument's place, the method is looked
// for from the class (Super) or from the one above it (Super2).
.macro SUPER name, self, sel, slot, selslot, above
BEGIN \name
        movq    8(\self), %r10
        .if \above
        movq    8(%r10), %r10           // superclass
        .endif
        movl    -4(\sel), %r11d
        movq    16(%r10), %r10
        movq    (%r10, %r11, 8), %r11
        testq   %r11, %r11
        jz      .Lm_\name
        movq    (\self), \self
        jmpq    *%r11
.Lm_\name:
        SAVE
        movq    \slot(%rbp), %r10       // the structure
        movq    8(%r10), %rdi
        .if \above
        movq    8(%rdi), %rdi
        .endif
        movq    (%r10), %r10
        movq    %r10, \slot(%rbp)
        leaq    \slot(%rbp), %rsi
        movq    \selslot(%rbp), %rdx
        call    metal_sim_objc_miss
        movq    %rax, %r11
        RESTORE
        jmpq    *%r11
END \name
.endm

SUPER objc_msgSendSuper, %rdi, %rsi, -8, -16, 0
SUPER objc_msgSendSuper2, %rdi, %rsi, -8, -16, 1
SUPER objc_msgSendSuper_stret, %rsi, %rdx, -16, -24, 0
SUPER objc_msgSendSuper2_stret, %rsi, %rdx, -16, -24, 1

#endif

        .section .note.GNU-stack,"",%progbits
