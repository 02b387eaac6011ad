// objc_msgSend for AArch64 (AAPCS64). x8 (a result's place) and x0-x7, q0-q7 are the method's;
// x9-x17 are ours. The table's entry is loaded through the class, so address dependency orders it.
#if defined(__aarch64__)

        .text

.macro COUNT
        adrp    x16, :gottprel:metal_sim_thread_messages
        ldr     x16, [x16, :gottprel_lo12:metal_sim_thread_messages]
        mrs     x17, tpidr_el0
        ldr     x9, [x17, x16]
        adds    x9, x9, #1
        str     x9, [x17, x16]
.endm

.macro SAVE
        stp     x29, x30, [sp, #-224]!
        .cfi_def_cfa_offset 224
        .cfi_offset x29, -224
        .cfi_offset x30, -216
        mov     x29, sp
        stp     x0, x1, [sp, #16]
        stp     x2, x3, [sp, #32]
        stp     x4, x5, [sp, #48]
        stp     x6, x7, [sp, #64]
        str     x8, [sp, #80]
        stp     q0, q1, [sp, #96]
        stp     q2, q3, [sp, #128]
        stp     q4, q5, [sp, #160]
        stp     q6, q7, [sp, #192]
.endm

.macro RESTORE
        ldp     x0, x1, [sp, #16]
        ldp     x2, x3, [sp, #32]
        ldp     x4, x5, [sp, #48]
        ldp     x6, x7, [sp, #64]
        ldr     x8, [sp, #80]
        ldp     q0, q1, [sp, #96]
        ldp     q2, q3, [sp, #128]
        ldp     q4, q5, [sp, #160]
        ldp     q6, q7, [sp, #192]
        ldp     x29, x30, [sp], #224
        .cfi_def_cfa_offset 0
        .cfi_restore x29
        .cfi_restore x30
.endm

.macro BEGIN name
        .globl  \name
        .type   \name, %function
        .p2align 5
\name:
        .cfi_startproc
.endm

.macro END name
        .cfi_endproc
        .size   \name, .-\name
.endm

BEGIN objc_msgSend
        cbz     x0, .Lnil
        COUNT
        b.eq    .Lthread
.Lsend: ldr     x16, [x0]
        ldr     x16, [x16, #16]
        ldur    w17, [x1, #-4]
        ldr     x16, [x16, x17, lsl #3]
        cbz     x16, .Lmiss
        br      x16
.Lnil:  mov     x1, #0
        movi    d0, #0
        movi    d1, #0
        movi    d2, #0
        movi    d3, #0
        ret
.Lthread:
        SAVE
        bl      metal_sim_new_thread
        RESTORE
        b       .Lsend
.Lmiss: SAVE
        ldr     x9, [x29, #16]
        ldr     x0, [x9]
        ldr     x2, [x29, #24]
        add     x1, x29, #16
        bl      metal_sim_objc_miss
        mov     x16, x0
        RESTORE
        br      x16
END objc_msgSend

.macro SUPER name, above
BEGIN \name
        ldr     x16, [x0, #8]
        .if \above
        ldr     x16, [x16, #8]
        .endif
        ldr     x16, [x16, #16]
        ldur    w17, [x1, #-4]
        ldr     x16, [x16, x17, lsl #3]
        cbz     x16, .Lm_\name
        ldr     x0, [x0]
        br      x16
.Lm_\name:
        SAVE
        ldr     x9, [x29, #16]          // the structure
        ldr     x0, [x9, #8]
        .if \above
        ldr     x0, [x0, #8]
        .endif
        ldr     x9, [x9]
        str     x9, [x29, #16]
        add     x1, x29, #16
        ldr     x2, [x29, #24]
        bl      metal_sim_objc_miss
        mov     x16, x0
        RESTORE
        br      x16
END \name
.endm

SUPER objc_msgSendSuper, 0
SUPER objc_msgSendSuper2, 1

#endif

        .section .note.GNU-stack,"",%progbits
