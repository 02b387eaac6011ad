/* Switches stacks. pewter_air_switch(void** save, void* load): pushes what the System V ABI lets a
   callee not change, stores the stack pointer in *save and goes on where `load` was stored.
   A fresh stack's top holds six registers and the address of pewter_air_start, which calls r13(r12). */
        .text
        .globl  pewter_air_switch
        .hidden pewter_air_switch
        .type   pewter_air_switch, @function
pewter_air_switch:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .size   pewter_air_switch, .-pewter_air_switch

        .globl  pewter_air_start
        .hidden pewter_air_start
        .type   pewter_air_start, @function
pewter_air_start:
        movq    %r12, %rdi
        callq   *%r13
        ud2                             /* the function never returns */
        .size   pewter_air_start, .-pewter_air_start
        .section .note.GNU-stack, "", @progbits
