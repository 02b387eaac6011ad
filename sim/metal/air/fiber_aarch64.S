/* As fiber_x86_64.S, for AAPCS64: x19 to x30 and the low halves of v8 to v15 are kept.
   A fresh stack holds x19 = argument, x20 = function, x30 = pewter_air_start. */
        .text
        .globl  pewter_air_switch
        .hidden pewter_air_switch
        .type   pewter_air_switch, %function
pewter_air_switch:
        sub     sp, sp, #160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        ret
        .size   pewter_air_switch, .-pewter_air_switch

        .globl  pewter_air_start
        .hidden pewter_air_start
        .type   pewter_air_start, %function
pewter_air_start:
        mov     x0, x19
        blr     x20
        brk     #1
        .size   pewter_air_start, .-pewter_air_start
        .section .note.GNU-stack, "", %progbits
